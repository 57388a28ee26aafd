import { theme } from '../theme.ts';
import { share } from '../words.ts';
import { Table } from './elements.tsx';

const { light, type } = theme;

/** A label and its value at the two ends of a line; rows of a {@link Table}. */
export const Line = ({ label, value }: { label: string; value: string }) => (
  <tr>
    <td
      className="muted"
      style={{
        padding: '8px 12px 4px 0',
        fontSize: type.meta,
        lineHeight: '20px',
        color: light.muted,
        whiteSpace: 'nowrap',
      }}
    >
      {label}
    </td>
    <td
      align="right"
      style={{ padding: '8px 0 4px', fontSize: type.body, lineHeight: '20px', fontWeight: 700 }}
    >
      {value}
    </td>
  </tr>
);

/** "Panel ship 88%" over its bar; an em dash and no bar until there is a vote. */
export const Figure = ({ label, value }: { label: string; value: number | null }) => (
  <>
    <Line label={label} value={share(value)} />
    {value !== null && (
      <tr>
        <td colSpan={2}>
          <Bar value={value} />
        </td>
      </tr>
    )}
  </>
);

/** A plain bar of 0 to 100 in table cells; readers read the number above it. */
const Bar = ({ value }: { value: number }) => (
  <Table>
    <tr>
      {value > 0 && <Stretch of={value} className="bar" colour={light.muted} />}
      {value < 100 && <Stretch of={100 - value} className="track" colour={light.track} />}
    </tr>
  </Table>
);

const Stretch = ({ of, className, colour }: { of: number; className: string; colour: string }) => (
  <td
    className={className}
    width={`${of}%`}
    height={6}
    style={{ backgroundColor: colour, fontSize: 0, lineHeight: '6px' }}
  >
    {' '}
  </td>
);
