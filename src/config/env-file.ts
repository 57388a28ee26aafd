/**
 * Settings in a `.env` file. The rule, as docs/operating.md tells it: a value goes to the end of its line; a `#`
 * begins a comment at the start of a line, or with a blank on both sides of it, and belongs to the value
 * everywhere else; in quotes, of any of the three kinds, everything belongs to the value, line ends too, and
 * double quotes read `\n` as a line end. Node's own reader, like others, ends a value at any `#`: an address
 * `Unit #5` became `Unit`, and every issue printed it.
 */
export interface EnvFile {
  values: Record<string, string>;
  /** Lines that this reader or another may take otherwise than they were meant. */
  doubts: EnvAmbiguity[];
}

export interface EnvAmbiguity {
  name: string;
  /** What is doubtful, and what to write instead; holds no part of the value, which may be a secret. */
  message: string;
}

const ENTRY =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?:(["'`])([\s\S]*?)\2([^\r\n]*)|([^\r\n]*))$/gm;

export function readEnvFile(text: string): EnvFile {
  const values: EnvFile['values'] = {};
  const doubts: EnvAmbiguity[] = [];
  for (const [, name = '', quote, quoted = '', behind = '', bare = ''] of text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .matchAll(ENTRY)) {
    const doubt = (message: string) => doubts.push({ name, message });
    if (quote !== undefined) {
      values[name] = quote === '"' ? quoted.replaceAll('\\n', '\n') : quoted;
      if (!/^[ \t]*(?:#.*)?$/.test(behind))
        doubt(
          `The value ends at the second ${quote}, and more follows. Put another kind of quotes around it.`,
        );
      continue;
    }
    const [value = '', comment] = bare.split(/(?:^|[ \t]+)#(?:[ \t]|$)/, 2);
    values[name] = value.trim();
    if (comment !== undefined)
      doubt(
        'What follows " # " is taken for a comment. If it belongs to the value, put the value in quotes.',
      );
    else if (/[ \t]#/.test(bare))
      doubt(
        'The value holds " #" and is read whole here; Docker Compose would end it there. Put it in quotes.',
      );
    if (/^["'`]/.test(bare)) doubt('The value begins with a quotation mark that is never closed.');
  }
  return { values, doubts };
}
