// @ts-check
/**
 * Saves steps at the desk: a change is posted at once, and the response replaces part of the page. Every form also
 * works without this script, with the same request. Typed text stays on the page until it is saved, even if the
 * session ends: the editor signs in in another tab, and it is saved.
 */

/**
 * How to handle the response to a form.
 * @typedef {object} Posting
 * @property {HTMLElement | null} submitter
 * @property {(page: Document) => void} take after success
 * @property {(page: Document, status: number) => void} refuse after a failure
 */

/** Posts run one after the other: each needs the revision that the previous one made. */
let queue = Promise.resolve();

/** Forms that wait for their turn. @type {Set<HTMLFormElement>} */
const queued = new Set();

/**
 * Forms that could not be saved because the session had ended, in the order of their posts. @type
 * {Map<HTMLFormElement, Posting>}
 */
const unsaved = new Map();

/** Forms with unsaved text. @type {Set<HTMLFormElement>} */
const dirty = new Set();

/** @param {string} text */
function say(text) {
  const status = document.getElementById('saved');
  if (status) status.textContent = text;
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} [submitter] */
const bodyOf = (form, submitter) =>
  new URLSearchParams(/** @type {[string, string][]} */ ([...new FormData(form, submitter)]));

/** Returns the typed fields of a form, without the desk's own fields. @param {URLSearchParams} body */
function wordsOf(body) {
  const words = new URLSearchParams(body);
  for (const name of ['csrf', 'revision']) words.delete(name);
  return words.toString();
}

/**
 * @param {HTMLFormElement} form
 * @param {Posting} posting
 * @param {boolean} [isRetry] does nothing if the form was posted meanwhile
 */
function post(form, posting, isRetry = false) {
  const { submitter, take, refuse } = posting;
  queued.add(form);
  queue = queue.then(async () => {
    queued.delete(form);
    if (isRetry && unsaved.get(form) !== posting) return;
    say('Saving…');
    // The form is read when its turn has come, so that it has the current revision.
    const body = bodyOf(form, submitter);
    try {
      const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const obstacle = obstacleIn(answer, page);
      if (obstacle) {
        unsaved.set(form, posting);
        return await awaitSession(obstacle);
      }
      tokens = 0;
      unsaved.delete(form);
      if (unsaved.size === 0) document.getElementById('ended')?.remove();
      const isDone = answer.ok && answer.redirected;
      // A page about an edit conflict has this text too.
      const hasAll = wordsOf(body) === wordsOf(bodyOf(form, submitter));
      if (hasAll && (isDone || answer.status === 409)) dirty.delete(form);
      if (isDone) take(page);
      else refuse(page, answer.status);
    } catch {
      say('Not saved: the desk does not answer. Try again.');
    }
  });
}

/**
 * Returns what the session of a posted form lacks, from the page that says so.
 * @param {Response} answer
 * @param {Document} page
 */
function obstacleIn(answer, page) {
  const said = page.querySelector('main [data-obstacle]');
  if (said instanceof HTMLElement) return said.dataset.obstacle;
  // The action was done, and the session ended before its result page was loaded.
  return new URL(answer.url).pathname.startsWith('/editor/sign-in') ? 'signed-out' : undefined;
}

/**
 * Shows why the text on this page cannot be saved, and how to go on.
 * @param {string} obstacle
 */
async function awaitSession(obstacle) {
  // The editor has already signed in again in another tab: the form only needs a new token.
  if (obstacle === 'form-forged' && (await resume())) return;
  const isPasskey = obstacle === 'passkey-due';
  say(`Not saved: ${isPasskey ? 'Your passkey is missing' : 'You are signed out'}. Nothing was changed.`);
  const [href, name] = isPasskey
    ? ['/editor/sign-in/passkey', 'Use your passkey in a new tab']
    : ['/editor/sign-in', 'Sign in in a new tab'];
  showNotice(
    `${isPasskey ? 'Your passkey is missing.' : 'Your session has ended.'} What you wrote is still on this page, and it is saved as soon as you have signed in again.`,
    Object.assign(document.createElement('a'), {
      href,
      target: '_blank',
      rel: 'noopener',
      className: 'tap',
      textContent: name,
    }),
    button('Save now', () => resume()),
  );
}

/** @param {string} text @param {() => void} press */
function button(text, press) {
  const made = Object.assign(document.createElement('button'), {
    type: 'button',
    className: 'word',
    textContent: text,
  });
  made.addEventListener('click', press);
  return made;
}

/** @param {string} text @param {HTMLElement[]} actions */
function showNotice(text, ...actions) {
  const known = document.getElementById('ended');
  const notice = known ?? Object.assign(document.createElement('div'), { id: 'ended', className: 'notice' });
  notice.setAttribute('role', 'alert');
  const line = Object.assign(document.createElement('p'), { textContent: text });
  const doings = Object.assign(document.createElement('div'), { className: 'doings' });
  doings.append(...actions);
  notice.replaceChildren(line, doings);
  if (!known) document.querySelector('main')?.prepend(notice);
}

/** How many new tokens were used since the last save: a second one in a row would not help either. */
let tokens = 0;

/**
 * Posts the waiting forms with the token of the browser's current session.
 * @param {boolean} [asAnother] also if that session belongs to another editor
 * @returns {Promise<boolean>} whether there is such a session
 */
async function resume(asAnother = false) {
  if (unsaved.size === 0) return true;
  if (tokens > 2) return false;
  try {
    const answer = await fetch('/editor/session', { headers: { accept: 'application/json' } });
    if (!answer.ok) return false;
    const { csrf, email } = await answer.json();
    if (email !== document.body.dataset.editor && !asAnother) {
      showNotice(
        `This browser is signed in as ${email} now. What you wrote is still on this page, and not saved.`,
        button(`Save it as ${email}`, () => resume(true)),
      );
      return true;
    }
    tokens += 1;
    for (const input of document.querySelectorAll('input[name=csrf]'))
      if (input instanceof HTMLInputElement) input.value = csrf;
    retry();
    return true;
  } catch {
    return false;
  }
}

/** @param {(HTMLFormElement | null)[]} [except] forms that are posted anyway */
function retry(except = []) {
  for (const [form, posting] of [...unsaved]) if (!except.includes(form)) post(form, posting, true);
}

/** @param {Document} page */
function replaceMain(page) {
  const [old, fresh] = [document.querySelector('main'), page.querySelector('main')];
  if (!old || !fresh) return;
  const main = document.adoptNode(fresh);
  const carried = [...dirty].filter((form) => old.contains(form)).map((form) => [form, twin(form, main)]);
  // A page without a field for the unsaved text must not remove that text.
  if (carried.some(([, place]) => !place)) return say(`Not saved: ${main.querySelector('h1')?.textContent}.`);
  const active = document.activeElement;
  old.replaceWith(main);
  for (const [form, place] of carried) if (form && place) carry(form, place, active);
  document.title = page.title;
  start();
}

/** Finds the same form on another page. @param {HTMLFormElement} form @param {HTMLElement} main */
const twin = (form, main) =>
  [...main.querySelectorAll('form')].find(
    (each) => each.getAttribute('action') === form.getAttribute('action') && each.matches('.autosave'),
  ) ?? null;

/**
 * Copies unsaved text to the page that replaces the current one.
 * @param {HTMLFormElement} from
 * @param {HTMLFormElement} to
 * @param {Element | null} active the field in which the editor is typing
 */
function carry(from, to, active) {
  for (const field of from.querySelectorAll('input:not([type=hidden]), textarea')) {
    const { name } = /** @type {HTMLInputElement} */ (field);
    const place = to.elements.namedItem(name);
    if (!(place instanceof HTMLInputElement || place instanceof HTMLTextAreaElement)) continue;
    const { value, selectionStart, selectionEnd } = /** @type {HTMLInputElement} */ (field);
    place.value = value;
    if (place instanceof HTMLInputElement) count(place);
    if (field !== active) continue;
    place.focus({ preventScroll: true });
    place.setSelectionRange(selectionStart, selectionEnd);
  }
  dirty.delete(from);
  dirty.add(to);
  const posting = unsaved.get(from);
  if (unsaved.delete(from) && posting) unsaved.set(to, posting);
  if (typed === from) typed = to;
}

/**
 * Replaces the page, and keeps the focus on the same button of the same comparison.
 * @param {HTMLElement | null} submitter
 */
function takeAll(submitter) {
  const item = submitter?.closest('[data-slug]')?.id;
  const value = submitter instanceof HTMLButtonElement ? submitter.value : '';
  return (/** @type {Document} */ page) => {
    const top = window.scrollY;
    renew(page);
    replaceMain(page);
    window.scrollTo({ top });
    const row = item ? document.getElementById(item) : null;
    const again =
      row?.querySelector(`button[value="${value}"]:not([disabled])`) ??
      row?.querySelector('button:not([disabled])');
    // An editor who is typing is not interrupted.
    if (again instanceof HTMLElement && !isTyping()) again.focus();
  };
}

/**
 * Writes the new revision into the forms that wait for their turn, even if the page has been replaced since.
 * @param {Document} page
 */
function renew(page) {
  const fresh = page.querySelector('input[name=revision]');
  if (!(fresh instanceof HTMLInputElement)) return;
  for (const form of [...document.forms, ...unsaved.keys(), ...queued]) {
    const old = form.elements.namedItem('revision');
    if (old instanceof HTMLInputElement) old.value = fresh.value;
  }
}

/** While the editor is typing, replaces only the status parts of the page. @param {Document} page */
function takeQuietly(page) {
  for (const selector of ['#saved', 'h1']) {
    const [old, fresh] = [document.querySelector(selector), page.querySelector(selector)];
    if (old && fresh) old.textContent = fresh.textContent;
  }
  renew(page);
}

/**
 * While the editor is typing, keeps their text in place, unless the response page has it too.
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
    // The copy is part of the page, so that its revision is updated while it waits.
    copy.hidden = true;
    form.after(copy);
    post(copy, { submitter: null, take: takeAll(from.querySelector('button')), refuse: replaceMain });
  });
}

function start() {
  const list = document.querySelector('main ol.ballot');
  if (list instanceof HTMLElement && list.querySelector('form[data-edit]')) drag(list);
}

/** Whether the editor is typing text that is not saved yet. */
const isTyping = () => [...dirty].some((form) => form.contains(document.activeElement));

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches('[data-edit]')) return;
  event.preventDefault();
  // The typed text is posted first: otherwise its form would have an old revision.
  const before = [form, typed];
  if (form === typed) forget();
  else save();
  retry(before);
  const { submitter } = event;
  const refuse = form.matches('.autosave') ? refuseQuietly : replaceMain;
  post(form, { submitter, take: takeAll(submitter), refuse });
});

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
/** The form whose text waits to be posted. @type {HTMLFormElement | null} */
let typed = null;

function forget() {
  clearTimeout(typing);
  typed = null;
}

function save() {
  if (typed) post(typed, { submitter: null, take: takeQuietly, refuse: refuseQuietly });
  forget();
}

document.addEventListener('input', (event) => {
  if (event.target instanceof HTMLInputElement) count(event.target);
  const form = event.target instanceof Element ? event.target.closest('form.autosave') : null;
  if (!(form instanceof HTMLFormElement)) return;
  forget();
  dirty.add(form);
  typed = form;
  typing = setTimeout(save, 700);
});

// Every opened page of the desk announces itself: unsaved text in another tab may be waiting for a new session.
const channel = new BroadcastChannel('desk');
channel.postMessage('signed in');
channel.addEventListener('message', () => resume());
window.addEventListener('focus', () => resume());
window.addEventListener('beforeunload', (event) => {
  if (unsaved.size > 0) event.preventDefault();
});

start();
