// @ts-check
/** Follows an issue that is under way: its figures take their place on the page as they change. */

const place = document.getElementById('progress');
const url = place?.dataset.events;
if (place && url) {
  const events = new EventSource(url);
  events.addEventListener('progress', ({ data }) => {
    const page = new DOMParser().parseFromString(data, 'text/html');
    place.replaceChildren(...page.body.childNodes);
  });
  // There is more to say than figures: the page says it.
  events.addEventListener('turn', () => {
    events.close();
    location.reload();
  });
}
