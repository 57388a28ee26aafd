import type { CheerioAPI } from 'cheerio';

/** What a page's markup tells by its look, put so that its text alone tells it too. */

const PANEL = /^(?:\d[\d.,]* ?% ?)?panel ship:?(?: ?\d[\d.,]* ?%)?$/iu;
const FIGURE_LABELS = [/^panel ship:?$/iu, /^community(?: ship| votes?)?:?$/iu, /^entry(?: price)?:?$/iu];

/** Buttons are for doing things, except as headings that fold, and on pages that show their figures in them. */
export function hideButtons($: CheerioAPI): void {
  const buttons = $('button');
  const outside = $('body').clone();
  outside.find('button').remove();
  if (/panel ship/iu.test(buttons.text()) && !/panel ship/iu.test(outside.text())) return;
  buttons
    .filter((_, button) => $(button).closest('h1,h2,h3,h4,h5,h6,summary,dt,legend').length === 0)
    .remove();
}

/** A small table with the figures in one row and their labels in the other becomes figures before labels. */
export function pairFigures($: CheerioAPI): void {
  $('table').each((_, table) => {
    const [first, second, ...more] = $(table)
      .find('tr')
      .toArray()
      .map((row) =>
        $(row)
          .children('th,td')
          .toArray()
          .map((cell) => $(cell).text().trim()),
      );
    if (first === undefined || second === undefined || more.length > 0) return;
    const areLabels = (cells: readonly string[]) =>
      cells.length > 1 &&
      cells.every((cell) => FIGURE_LABELS.some((label) => label.test(cell))) &&
      cells.some((cell) => FIGURE_LABELS[0]?.test(cell));
    const [labels, values] = areLabels(first) ? [first, second] : [second, first];
    if (!areLabels(labels) || areLabels(values) || labels.length !== values.length) return;
    const order = (label: string) => FIGURE_LABELS.findIndex((pattern) => pattern.test(label));
    const pairs = labels
      .map((label, index) => ({ label, value: values[index] ?? '' }))
      .sort((a, b) => order(a.label) - order(b.label));
    const list = $('<div></div>');
    for (const { label, value } of pairs) {
      list.append($('<p></p>').text(value), $('<p></p>').text(label.replace(/:$/u, '')));
    }
    $(table).replaceWith(list);
  });
}

/**
 * Elements within a line are lines of their own where a page is laid out with them: among all that
 * stands around the element with the label of a figure, as long as nothing there is text alone.
 */
export function partInlineValues($: CheerioAPI, edge: string): void {
  const containers = new Set(
    $('body *')
      .filter((_, element) =>
        PANEL.test($(element).text().replaceAll(edge, ' ').replace(/\s+/gu, ' ').trim()),
      )
      .parents()
      .toArray(),
  );
  for (const container of containers) {
    if (container.tagName === 'html') continue;
    const nodes = $(container).contents().toArray();
    const hasText = nodes.some(
      (node) => node.type === 'text' && node.data.replaceAll(edge, '').trim() !== '',
    );
    if (!hasText) $(container).children().before(edge).after(edge);
  }
}
