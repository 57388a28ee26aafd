/**
 * A spreadsheet runs a cell that begins like this as a formula, even when the text came from a form. Apple's
 * spreadsheet treats the full-width characters like the ASCII ones (OWASP, CSV injection).
 */
const FORMULA = /^'*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** Escapes a cell, so that every spreadsheet shows it as text. */
export function escapeFormula(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

/** Undoes {@link escapeFormula}. */
export function unescapeFormula(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
