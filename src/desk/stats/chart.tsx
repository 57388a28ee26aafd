export interface Bar {
  label: string;
  value: number;
}

interface ChartProps {
  /** Unique on its page. */
  id: string;
  title: string;
  /** The content of the chart in a sentence, for people who cannot see it. */
  desc: string;
  bars: Bar[];
}

/** In pixels; the width is that of the page. */
const HEIGHT = 120;

/** Fewer bars than this are as narrow as this many would be, and start from the left. */
const MIN_BARS = 12;

/** A bar chart without a script; the table beside it has the numbers. */
export const Chart = ({ id, title, desc, bars }: ChartProps) => {
  const highest = Math.max(1, ...bars.map(({ value }) => value));
  const step = 100 / Math.max(MIN_BARS, bars.length);
  return (
    <svg
      className="chart"
      width="100%"
      height={HEIGHT}
      role="img"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-desc`}
    >
      <title id={`${id}-title`}>{title}</title>
      <desc id={`${id}-desc`}>{desc}</desc>
      {bars.map(({ label, value }, at) => {
        // A value above 0 is always visible.
        const height = value === 0 ? 0 : Math.max(2, ((HEIGHT - 2) * value) / highest);
        return (
          <rect
            key={label}
            x={`${at * step}%`}
            y={HEIGHT - 2 - height}
            width={`${step * 0.8}%`}
            height={height}
          />
        );
      })}
      <rect className="line" y={HEIGHT - 1} width="100%" height="1" />
    </svg>
  );
};
