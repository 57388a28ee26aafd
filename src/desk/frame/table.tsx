import type { ReactNode } from 'react';
import { figure } from './numbers.ts';

/** One column of a {@link Table}. */
export interface Column<Row> {
  head: string;
  cell: (row: Row) => ReactNode;
  /** Addresses, titles and reasons, which are not ours, may break anywhere. */
  breaks?: boolean;
  /** Names its row, for who hears it read. */
  isHead?: boolean;
}

interface TableProps<Row> {
  /** Above it, for everybody. */
  caption?: string;
  /** In place of a caption where a headline says it already. */
  label?: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
}

/** The table of the desk: a head, a row each, nothing in between. */
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

/** Figures one under the other, each with what it counts. */
export const Counters = ({ rows }: { rows: readonly (readonly [value: number, words: ReactNode])[] }) => (
  <ul className="numbers">
    {rows.map(([value, words], at) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: drawn once, never reordered
      <li key={at}>
        <b>{figure(value)}</b> <span>{words}</span>
      </li>
    ))}
  </ul>
);
