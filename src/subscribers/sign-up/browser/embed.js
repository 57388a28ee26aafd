// Makes the sign-up form answer in place; it works without this, too. Loads nothing, keeps nothing.
(() => {
  const css = `.weekly-verdict{max-width:28em;font-family:var(--wv-font,inherit)}
.weekly-verdict label{display:block;font-weight:700}
.weekly-verdict :is(label input,button){box-sizing:border-box;min-height:48px;margin:8px 0;padding:8px 16px;
border:2px solid var(--wv-ink,CanvasText);border-radius:var(--wv-radius,0);font:inherit;font-weight:400;
color:var(--wv-ink,CanvasText);background:var(--wv-paper,Canvas)}
.weekly-verdict label input{display:block;width:100%}
.weekly-verdict [type=submit]{font-weight:700;color:var(--wv-paper,Canvas);background:var(--wv-ink,CanvasText)}
.weekly-verdict a{color:var(--wv-accent,inherit)}
.weekly-verdict :focus-visible{outline:3px solid var(--wv-accent,currentColor)}`;

  /** @type {HTMLFormElement | null} */
  const form = document.querySelector('form.weekly-verdict');
  const email = form?.querySelector('input');
  const submit = form?.querySelector('button');
  if (!form || !email || !submit) return;
  const url = form.getAttribute('action') ?? '';

  // There before anything is said, or screen readers would miss it.
  /** @param {Element} before @param {string} role */
  const region = (before, role) => {
    const made = document.createElement('p');
    made.setAttribute('role', role);
    before.after(made);
    return made;
  };
  const fault = region(email.closest('label') ?? email, 'alert');
  const news = region(submit, 'status');
  fault.id = 'weekly-verdict-fault';
  form.noValidate = true;

  /** @param {object} [more] */
  const ask = async (more) => {
    const answer = await fetch(url, {
      credentials: 'omit',
      headers: { accept: 'application/json' },
      ...more,
    });
    return { isFine: answer.ok, ...(await answer.json()) };
  };

  /** When the form was first touched, signed. @type {Promise<any> | undefined} */
  let touched;
  const touch = () => (touched ??= ask().catch(() => ({})));
  form.addEventListener('focusin', touch);

  /** @param {string} suggestion */
  const offer = (suggestion) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = `I meant ${suggestion}`;
    button.onclick = () => {
      email.value = suggestion;
      email.focus();
      form.requestSubmit();
    };
    news.append(' ', button);
  };

  let isBusy = false;
  let goesAlone = false;
  form.addEventListener('submit', async (event) => {
    if (goesAlone) return;
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    fault.textContent = '';
    news.textContent = 'One moment…';
    email.removeAttribute('aria-invalid');
    const fields = new FormData(form);
    const body = JSON.stringify({
      stamp: (await touch()).stamp,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      ...Object.fromEntries(fields),
      topics: fields.getAll('topics'),
    });
    try {
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const said = await ask({ method: 'POST', headers, body });
      const wrong = said.errors?.[0];
      news.textContent = said.isFine
        ? (form.dataset.done ?? 'Look in your inbox: press the button of our mail, and you are in.')
        : '';
      if (said.suggestion) offer(said.suggestion);
      if (!said.isFine) fault.textContent = wrong?.message ?? said.detail;
      if (wrong?.field === 'email') {
        email.setAttribute('aria-invalid', 'true');
        email.setAttribute('aria-describedby', fault.id);
        email.focus();
      }
    } catch {
      // No network, or a policy of this page: the next press goes as if this script were not here.
      goesAlone = true;
      news.textContent = '';
      fault.textContent = 'That did not get through. Press once more to try another way.';
    }
    isBusy = false;
  });

  if (form.dataset.style === 'none') return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
})();
