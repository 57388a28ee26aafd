/**
 * Reads settings from a `.env` file, by the rule in docs/operating.md: a value ends at the end of its line. A `#`
 * begins a comment at the start of a line, or with a blank on both sides of it; everywhere else it belongs to the
 * value. Within quotes of any of the three kinds everything belongs to the value, line ends too; double quotes read
 * `
 * ` as a line end. Node's own parser, like others, ends a value at any `#`: the address `Unit #5` became `Unit`,
 * and every issue printed it.
 */
export interface EnvFile {
  values: Record<string, string>;
  /** Lines that this parser or another may read differently from what was meant. */
  ambiguities: EnvAmbiguity[];
}

export interface EnvAmbiguity {
  name: string;
  /** What is ambiguous, and what to write instead; holds no part of the value, which may be a secret. */
  message: string;
}

const ENTRY =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?:(["'`])([\s\S]*?)\2([^\r\n]*)|([^\r\n]*))$/gm;

export function readEnvFile(text: string): EnvFile {
  const values: EnvFile['values'] = {};
  const ambiguities: EnvAmbiguity[] = [];
  for (const [, name = '', quote, quoted = '', behind = '', bare = ''] of text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .matchAll(ENTRY)) {
    const addAmbiguity = (message: string) => ambiguities.push({ name, message });
    if (quote !== undefined) {
      values[name] = quote === '"' ? quoted.replaceAll('\\n', '\n') : quoted;
      if (!/^[ \t]*(?:#.*)?$/.test(behind))
        addAmbiguity(
          `The value ends at the second ${quote}, and more follows. Put another kind of quotes around it.`,
        );
      continue;
    }
    const [value = '', comment] = bare.split(/(?:^|[ \t]+)#(?:[ \t]|$)/, 2);
    values[name] = value.trim();
    if (comment !== undefined)
      addAmbiguity(
        'What follows " # " is taken for a comment. If it belongs to the value, put the value in quotes.',
      );
    else if (/[ \t]#/.test(bare))
      addAmbiguity(
        'The value holds " #" and is read whole here; Docker Compose would end it there. Put it in quotes.',
      );
    if (/^["'`]/.test(bare)) addAmbiguity('The value begins with a quotation mark that is never closed.');
  }
  return { values, ambiguities };
}
