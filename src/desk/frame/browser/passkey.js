// @ts-check
/**
 * Adds and uses passkeys: gets the options from the desk, calls the browser, and posts its response with the form.
 * Errors are shown in the form, and typed text stays there.
 */

/** @param {string} text base64url */
const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

/** @param {ArrayBuffer} buffer */
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

/**
 * Browsers before 2025 cannot parse the JSON options: their bytes are decoded here.
 * @param {any} options
 */
const decoded = (options) => ({
  ...options,
  challenge: bytesOf(options.challenge),
  ...(options.user && { user: { ...options.user, id: bytesOf(options.user.id) } }),
  ...Object.fromEntries(
    ['allowCredentials', 'excludeCredentials']
      .filter((name) => options[name])
      .map((name) => [
        name,
        options[name].map((/** @type {any} */ each) => ({ ...each, id: bytesOf(each.id) })),
      ]),
  ),
});

/**
 * The reverse of {@link decoded}.
 * @param {any} credential
 */
function encoded(credential) {
  if (typeof credential.toJSON === 'function') return credential.toJSON();
  const { id, type, response, authenticatorAttachment } = credential;
  const fields = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  return {
    ...{ id, rawId: id, type, authenticatorAttachment, clientExtensionResults: {} },
    response: {
      ...Object.fromEntries(
        fields.filter((name) => response[name]).map((name) => [name, textOf(response[name])]),
      ),
      ...(response.getTransports && { transports: response.getTransports() }),
    },
  };
}

/** @param {any} options from the desk */
async function ask(options) {
  const isNew = 'pubKeyCredParams' in options;
  const parse = /** @type {any} */ (PublicKeyCredential)[
    isNew ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'
  ];
  const publicKey = parse ? parse.call(PublicKeyCredential, options) : decoded(options);
  return isNew ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey });
}

/** Explains an error of the browser. @param {unknown} error */
function explained(error) {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
      return 'No passkey was used: it was cancelled, took too long, or this device has none of yours. Try again.';
    case 'InvalidStateError':
      return 'This device has a passkey of yours already. Use that one, or add one on another device.';
    case 'SecurityError':
      return 'Your browser makes no passkeys for this address. Open the desk at the address that its mails have.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} url @param {URLSearchParams} body */
async function send(url, body) {
  const answer = await fetch(url, { method: 'POST', body, headers: { accept: 'application/json' } }).catch(
    () => {
      throw new Error('The desk does not answer. Try again.');
    },
  );
  if (answer.ok) return answer;
  const { title, detail } = await answer.json();
  throw new Error(`${title.replace(/\.$/, '')}. ${detail}`);
}

/** @param {HTMLFormElement} form */
async function run(form) {
  const said = form.querySelector('[data-said]');
  const button = form.querySelector('button');
  const say = (/** @type {string} */ text) => {
    if (said) said.textContent = text;
  };
  if (!window.PublicKeyCredential) return say('This browser knows no passkeys. Use another one.');
  if (button) button.disabled = true;
  say('Your browser asks you for the passkey.');
  try {
    const body = new URLSearchParams(/** @type {[string, string][]} */ ([...new FormData(form)]));
    const question = new URLSearchParams({
      csrf: body.get('csrf') ?? '',
      purpose: form.dataset.passkey ?? '',
    });
    const options = await (await send('/editor/passkeys/options', question)).json();
    body.set('answer', JSON.stringify(encoded(await ask(options))));
    const { url } = await send(form.action, body);
    location.assign(url);
  } catch (error) {
    say(explained(error));
    if (button) button.disabled = false;
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches('[data-passkey]')) return;
  event.preventDefault();
  run(form);
});
