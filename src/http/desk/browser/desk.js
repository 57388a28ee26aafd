// @ts-check
/**
 * Saves steps at the desk: what is changed is posted at once, and what comes back takes its place on the page.
 * Every form works as well without this, by the same request.
 */

/** Posts wait for each other: each needs the revision that the one before it made. */
let queue = Promise.resolve();

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 * @param {(page: Document) => void} take what was done
 * @param {(page: Document, status: number) => void} refuse what was not
 */
function post(form, submitter, take, refuse = replaceMain) {
  queue = queue.then(async () => {
    const status = document.getElementById('saved');
    if (status) status.textContent = 'Saving…';
    // Read when its turn has come, with the revision of that moment.
    const body = new URLSearchParams(/** @type {[string, string][]} */ ([...new FormData(form, submitter)]));
    try {
      const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (answer.ok && answer.redirected) take(page);
      else refuse(page, answer.status);
    } catch {
      if (status) status.textContent = 'Not saved: the desk does not answer. Try again.';
    }
  });
}

/** @param {Document} page */
function replaceMain(page) {
  const [old, fresh] = [document.querySelector('main'), page.querySelector('main')];
  if (!old || !fresh) return;
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  start();
}

/**
 * The page as it is now, with the focus where it was: on the same button of the same comparison.
 * @param {HTMLElement | null} submitter
 */
function takeAll(submitter) {
  const item = submitter?.closest('[data-slug]')?.id;
  const value = submitter instanceof HTMLButtonElement ? submitter.value : '';
  return (/** @type {Document} */ page) => {
    const top = window.scrollY;
    replaceMain(page);
    window.scrollTo({ top });
    const row = item ? document.getElementById(item) : null;
    const again =
      row?.querySelector(`button[value="${value}"]:not([disabled])`) ??
      row?.querySelector('button:not([disabled])');
    if (again instanceof HTMLElement) again.focus();
  };
}

/** Somebody is typing: only what says so changes. @param {Document} page */
function takeQuietly(page) {
  for (const selector of ['#saved', 'h1']) {
    const [old, fresh] = [document.querySelector(selector), page.querySelector(selector)];
    if (old && fresh) old.textContent = fresh.textContent;
  }
  const fresh = page.querySelector('input[name=revision]');
  if (fresh instanceof HTMLInputElement)
    for (const old of document.querySelectorAll('input[name=revision]'))
      if (old instanceof HTMLInputElement) old.value = fresh.value;
}

/**
 * Somebody is typing: their words stay where they are, unless the page that comes back has them too.
 * @param {Document} page
 * @param {number} status
 */
function refuseQuietly(page, status) {
  const saved = document.getElementById('saved');
  if (status === 409 || !saved) return replaceMain(page);
  const said = ['h1', 'h1 + p'].map((selector) => page.querySelector(`main ${selector}`)?.textContent);
  saved.textContent = `Not saved: ${said.join('. ')}`;
}

/** @param {HTMLInputElement} input */
function count(input) {
  const output = input.closest('label')?.querySelector('[data-count]');
  if (!(output instanceof HTMLElement)) return;
  const [from = 0, to = 0] = (output.dataset.count ?? '').split('-').map(Number);
  const length = [...new Intl.Segmenter('en').segment(input.value || input.placeholder)].length;
  output.textContent = `${length} of ${from} to ${to} characters`;
  output.classList.toggle('out', length < from || length > to);
}

/** @param {HTMLElement} list */
function drag(list) {
  /** @type {HTMLElement | null} */
  let held = null;
  const target = (/** @type {Event} */ event) => {
    const item = event.target instanceof Element ? event.target.closest('li[data-slug]') : null;
    return item instanceof HTMLElement ? item : null;
  };
  const clear = () => {
    for (const item of list.querySelectorAll('.over')) item.classList.remove('over');
  };
  document.documentElement.classList.add('drags');
  for (const item of list.querySelectorAll('li[data-slug]'))
    if (item instanceof HTMLElement) item.draggable = true;
  list.addEventListener('dragstart', (event) => {
    held = target(event);
    held?.classList.add('held');
    event.dataTransfer?.setData('text/plain', held?.dataset.slug ?? '');
  });
  list.addEventListener('dragover', (event) => {
    if (!held) return;
    event.preventDefault();
    clear();
    target(event)?.classList.add('over');
  });
  list.addEventListener('dragend', () => {
    held?.classList.remove('held');
    held = null;
    clear();
  });
  list.addEventListener('drop', (event) => {
    event.preventDefault();
    const [from, before] = [held, target(event)];
    const form = from?.querySelector('form[data-edit]');
    if (!from || !before || from === before || !(form instanceof HTMLFormElement)) return;
    const copy = /** @type {HTMLFormElement} */ (form.cloneNode(true));
    for (const [name, value] of [
      ['kind', 'move'],
      ['before', before.dataset.slug ?? ''],
    ]) {
      const input = document.createElement('input');
      Object.assign(input, { type: 'hidden', name, value });
      copy.append(input);
    }
    // In the page, so that its revision is kept up to date while it waits.
    copy.hidden = true;
    form.after(copy);
    post(copy, null, takeAll(from.querySelector('button')));
  });
}

function start() {
  const list = document.querySelector('main ol.ballot');
  if (list instanceof HTMLElement && list.querySelector('form[data-edit]')) drag(list);
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches('[data-edit]')) return;
  event.preventDefault();
  // What was typed goes first, or its form would name a revision that is gone by then.
  if (form === typed) forget();
  else save();
  post(form, event.submitter, takeAll(event.submitter));
});

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
/** The form whose words wait to be posted. @type {HTMLFormElement | null} */
let typed = null;

function forget() {
  clearTimeout(typing);
  typed = null;
}

function save() {
  if (typed) post(typed, null, takeQuietly, refuseQuietly);
  forget();
}

document.addEventListener('input', (event) => {
  if (event.target instanceof HTMLInputElement) count(event.target);
  const form = event.target instanceof Element ? event.target.closest('form.autosave') : null;
  if (!(form instanceof HTMLFormElement)) return;
  forget();
  typed = form;
  typing = setTimeout(save, 700);
});

start();
