/** The part of CSS that the lint of a mail needs. Neither function ever throws. */

/** Splits "a: b; c: url(x;y)" into its declarations, in lower case; anything else is left out. */
export function declarationsOf(style: string): [property: string, value: string][] {
  const parts = style.match(/(?:[^;"'(]|"[^"]*"|'[^']*'|\([^)]*\)|["'(])+/gu) ?? [];
  return parts.flatMap((part): [string, string][] => {
    const [, property, value] = /^\s*([\w-]+)\s*:\s*(.*?)\s*$/su.exec(part) ?? [];
    return property && value ? [[property.toLowerCase(), value.toLowerCase()]] : [];
  });
}

export interface StyleRule {
  selector: string;
  /** Its declarations. */
  body: string;
  /** The at-rules around it, "@media (min-width:480px)"; '' if there is none. */
  at: string;
  /** The selector of the rule that it is nested in; null if it is not nested. */
  within: string | null;
}

/** Returns the rules of a style block, in their order. */
export function rulesOf(css: string): StyleRule[] {
  const rules: StyleRule[] = [];
  const open: string[] = [];
  for (const [, text = '', sign] of css.replace(/\/\*.*?(?:\*\/|$)/gsu, '').matchAll(/([^{}]*)([{}]|$)/gu)) {
    // The text before an opening brace has the outer rule's declarations first, and then the selector.
    const end = sign === '{' ? text.lastIndexOf(';') + 1 : text.length;
    const selector = open.at(-1);
    if (selector !== undefined && !selector.startsWith('@')) {
      const outer = open.slice(0, -1).filter((each) => !each.startsWith('@'));
      const at = open.filter((each) => each.startsWith('@')).join(' ');
      rules.push({ selector, body: text.slice(0, end), at, within: outer.at(-1) ?? null });
    }
    if (sign === '}') open.pop();
    else if (sign === '{') open.push(text.slice(end).trim());
  }
  return rules;
}
