/** The pages that list the content of the outbox. The page of a batch is also parsed to find its recipients again. */

export function listing(title: string, items: readonly string[]): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>body{font:16px/1.6 Georgia,serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}li{font-family:system-ui,sans-serif}</style>
<h1>${escapeHtml(title)}</h1><ul>${items.map((item) => `<li>${item}</li>`).join('\n')}</ul></html>
`;
}

/** A mail in the list of its batch. @param name of its files, without extension: "001". */
export function mailItem(name: string, recipient: string): string {
  return `<a href="${name}.html">${escapeHtml(recipient)}</a> (<a href="${name}.eml">source</a>)`;
}

export function folderItem(name: string): string {
  return `<a href="${name}/index.html">${escapeHtml(name)}</a>`;
}

/** The mails that such a list names. */
export function readMailItems(page: string): { name: string; recipient: string }[] {
  return [...page.matchAll(/<a href="(\d{3})\.html">([^<]*)<\/a>/g)].map(([, name = '', recipient = '']) => ({
    name,
    recipient: recipient.replace(/&#(\d+);/g, (_entity, code) => String.fromCodePoint(Number(code))),
  }));
}

/** The title of such a list, still escaped. */
export function readTitle(page: string): string {
  const [, title = ''] = /<title>([^<]*)<\/title>/.exec(page) ?? [];
  return title.replace(/&#(\d+);/g, (_entity, code) => String.fromCodePoint(Number(code)));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
