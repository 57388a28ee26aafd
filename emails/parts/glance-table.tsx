import type { GlanceRow } from '../../src/issues/content.ts';
import { theme } from '../theme.ts';
import { afterMark, copy } from '../words.ts';
import { sizes } from './mark-sizes.ts';
import { MarkBox } from './verdict-mark.tsx';

const { light, type } = theme;
const { columns } = copy;

/**
 * The ten-second table: a real data table, with verdicts at the left edge, where readers look first, and a larger
 * lead.
 */
export const GlanceTable = ({ title, rows }: { title: string; rows: GlanceRow[] }) => (
  <table border={0} cellPadding={0} cellSpacing={0} width="100%" style={{ marginTop: 20 }}>
    <caption
      style={{
        paddingBottom: 8,
        fontSize: type.body,
        lineHeight: '24px',
        fontWeight: 700,
        textAlign: 'left',
      }}
    >
      {title}
    </caption>
    <thead>
      <tr>
        <Column name={columns.verdict} />
        <Column name={columns.comparison} />
        <Column name={columns.entryPrice} align="right" />
      </tr>
    </thead>
    <tbody>
      {rows.map((row, index) => (
        <Row key={row.slug} row={row} lead={index === 0} />
      ))}
    </tbody>
  </table>
);

const Row = ({ row, lead }: { row: GlanceRow; lead: boolean }) => {
  const size = lead ? 'medium' : 'small';
  const above = lead ? 16 : 12;
  const borderTop = `1px solid ${light.rule}`;
  return (
    <tr>
      <td
        className="rule"
        width={sizes.medium.width}
        valign="top"
        style={{ borderTop, padding: `${above}px 0` }}
      >
        <MarkBox mark={row.verdict.mark} size={size} />
      </td>
      <th
        scope="row"
        className="rule"
        align="left"
        style={{
          borderTop,
          padding: `${above}px 12px`,
          lineHeight: '20px',
          fontWeight: 400,
          verticalAlign: 'top',
        }}
      >
        <span
          className="serif"
          style={{
            fontFamily: type.serif,
            fontSize: sizes[size].after,
            lineHeight: `${sizes[size].height}px`,
            fontWeight: 700,
          }}
        >
          {afterMark(row.verdict)}
        </span>
        <br />
        <span className="muted" style={{ fontSize: type.meta, color: light.muted }}>
          {row.title}
        </span>
      </th>
      <td
        className="rule"
        align="right"
        valign="top"
        style={{ borderTop, padding: `${above + 3}px 0 12px`, fontSize: type.meta, lineHeight: '20px' }}
      >
        {row.entryPrice}
      </td>
    </tr>
  );
};

const Column = ({ name, align = 'left' }: { name: string; align?: 'left' | 'right' }) => (
  <th
    scope="col"
    align={align}
    className="muted"
    style={{
      padding: name === columns.comparison ? '0 12px 6px' : '0 0 6px',
      fontSize: type.meta,
      lineHeight: '20px',
      fontWeight: 400,
      color: light.muted,
    }}
  >
    {name}
  </th>
);
