// @ts-check
/** Updates the numbers on the page of an issue that is being sent. */

const place = document.getElementById('progress');
const url = place?.dataset.events;
if (place && url) {
  const events = new EventSource(url);
  events.addEventListener('progress', ({ data }) => {
    const page = new DOMParser().parseFromString(data, 'text/html');
    place.replaceChildren(...page.body.childNodes);
  });
  // More than the numbers has changed: the page says it.
  events.addEventListener('turn', () => {
    events.close();
    location.reload();
  });
}
