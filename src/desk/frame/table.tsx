import type { ReactNode } from 'react';
import { formatNumber } from './numbers.ts';

/** One column of a {@link Table}. */
export interface Column<Row> {
  head: string;
  cell: (row: Row) => ReactNode;
  /** The text may break anywhere: for addresses, titles and reasons. */
  breaks?: boolean;
  /** The row's header, for screen readers. */
  isHead?: boolean;
}

interface TableProps<Row> {
  /** Visible above the table. */
  caption?: string;
  /** Replaces the caption when a headline already says it. */
  label?: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
}

/** The table of the desk: a header row, and one row for each entry. */
export function Table<Row>({ caption, label, columns, rows }: TableProps<Row>): ReactNode {
  return (
    <table className="log" aria-label={label}>
      {caption !== undefined && <caption>{caption}</caption>}
      <thead>
        <tr>
          {columns.map(({ head }) => (
            <th scope="col" key={head}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: drawn once, never reordered
          <tr key={at}>
            {columns.map(({ head, cell, breaks = false, isHead = false }) => {
              const className = breaks ? 'any' : undefined;
              return isHead ? (
                <th scope="row" className={className} key={head}>
                  {cell(row)}
                </th>
              ) : (
                <td className={className} key={head}>
                  {cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Numbers in a column, each with its label. */
export const Counters = ({ rows }: { rows: readonly (readonly [value: number, words: ReactNode])[] }) => (
  <ul className="numbers">
    {rows.map(([value, words], at) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: drawn once, never reordered
      <li key={at}>
        <b>{formatNumber(value)}</b> <span>{words}</span>
      </li>
    ))}
  </ul>
);
