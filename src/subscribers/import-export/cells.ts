/**
 * A spreadsheet runs a cell that begins like this as a formula, whoever wrote it into a form; the wide signs
 * become the narrow ones in Apple's (OWASP, CSV injection).
 */
const FORMULA = /^'*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** A cell that is text in every spreadsheet. */
export function guarded(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

/** What was guarded, as it was. */
export function unguarded(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
