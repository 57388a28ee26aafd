import type { CheerioAPI } from 'cheerio';
import { adapter } from 'parse5-htmlparser2-tree-adapter';

/**
 * Rewrites a page's markup so that its text alone has the information of its layout. The time of everything here is
 * linear in the page: nodes are moved all at once, because each single move costs time for all siblings.
 */

export type Element = ReturnType<typeof adapter.createElement>;
type Parent = Parameters<typeof adapter.appendChild>[0];
type Child = Parent['children'][number];

const PANEL = /^(?:\d[\d.,]* ?% ?)?panel ship:?(?: ?\d[\d.,]* ?%)?$/iu;
const FIGURE_LABELS = [/^panel ship:?$/iu, /^community(?: ship| votes?)?:?$/iu, /^entry(?: price)?:?$/iu];
const LABEL = /^(?:panel ship|community|entry|reviewer scorecard):?$/iu;

const HEADINGS = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'summary', 'dt', 'legend']);

/** Removes buttons, except fold-out headings, and except on pages whose figures are in buttons. */
export function hideButtons($: CheerioAPI): void {
  const buttons = $('button');
  const outside = $('body').clone();
  outside.find('button').remove();
  if (/panel ship/iu.test(buttons.text()) && !/panel ship/iu.test(outside.text())) return;
  drop(buttons.toArray().filter((button) => !isWithin(button, HEADINGS)));
}

/** Rewrites a small table with figures in one row and labels in the other as pairs of figure and label. */
export function pairFigures($: CheerioAPI): void {
  $('table').each((_, table) => {
    const rows = $(table).find('tr').toArray();
    if (rows.length !== 2) return;
    const [first = [], second = []] = rows.map((row) =>
      $(row)
        .children('th,td')
        .toArray()
        .map((cell) => $(cell).text().trim()),
    );
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

/** Separates a figure from its label: they often touch in the source, and only style separates them. */
export function separateLabels($: CheerioAPI, edge: string): void {
  const texts = shortTexts($.root()[0]);
  const isLabel = (element: Element) => {
    const elements = element.children.filter((child) => adapter.isElementNode(child));
    return elements.length <= 1 && LABEL.test(texts.get(element)?.trim() ?? '');
  };
  edgeWithin(all($, '*').filter(isLabel), edge);
}

/**
 * Puts inline elements on lines of their own when the page uses them for layout: all elements around a figure's label,
 * as long as there is no bare text beside them.
 */
export function separateInlineValues($: CheerioAPI, edge: string): void {
  const containers = new Set<Parent>();
  for (const [element, text] of shortTexts($('body')[0])) {
    if (element.name === 'body' || !PANEL.test(text.replaceAll(edge, ' ').replace(/\s+/gu, ' ').trim()))
      continue;
    for (let at = element.parent; at && !containers.has(at); at = at.parent) containers.add(at);
  }
  for (const container of containers) {
    if (!adapter.isElementNode(container) || container.name === 'html') continue;
    const hasText = container.children.some(
      (node) => adapter.isTextNode(node) && node.data.replaceAll(edge, '').trim() !== '',
    );
    if (!hasText) edgeAround(container.children.filter(adapter.isElementNode), edge);
  }
}

/** Moves the author's name out of a quote. */
export function moveOut($: CheerioAPI, quotes: readonly Element[], names: string): void {
  const moved = new Map<Child, Element[]>(quotes.map((quote) => [quote, $(quote).find(names).toArray()]));
  drop([...moved.values()].flat());
  rebuild(quotes, (node) => [node, ...(moved.get(node) ?? [])]);
}

export function all($: CheerioAPI, selector: string): Element[] {
  return $(selector).toArray().filter(adapter.isElementNode);
}

/** Whether a node is, or is inside, one of these elements. */
export function isWithin(node: Parent | null, names: ReadonlySet<string>): boolean {
  for (let at = node; at; at = at.parent) if (adapter.isElementNode(at) && names.has(at.name)) return true;
  return false;
}

export function drop(nodes: readonly Child[]): void {
  const gone = new Set(nodes);
  rebuild(nodes, (node) => (gone.has(node) ? [] : [node]));
}

export function edgeAround(elements: readonly Element[], edge: string): void {
  const edged = new Set<Child>(elements);
  rebuild(elements, (node) =>
    edged.has(node) ? [adapter.createTextNode(edge), node, adapter.createTextNode(edge)] : [node],
  );
}

export function edgeWithin(elements: readonly Element[], edge: string): void {
  for (const element of elements)
    fill(element, [adapter.createTextNode(edge), ...element.children, adapter.createTextNode(edge)]);
}

/** Replaces each child of the nodes' parents by the result of `change`. */
function rebuild(nodes: readonly Child[], change: (node: Child) => Child[]): void {
  for (const parent of new Set(nodes.map(({ parent }) => parent)))
    if (parent !== null) fill(parent, parent.children.flatMap(change));
}

function fill(parent: Parent, children: Child[]): void {
  parent.children = children;
  for (const [index, child] of children.entries()) {
    child.parent = parent;
    child.prev = children[index - 1] ?? null;
    child.next = children[index + 1] ?? null;
  }
}

/** Longer than any label with its figure and white space. */
const MAX_SHORT = 1_000;

/** The text of a node and of every element below it, if it is short. */
function shortTexts(root: unknown): Map<Element, string> {
  const texts = new Map<Element, string>();
  const textOf = (node: Child | Parent): string | null => {
    if (adapter.isTextNode(node)) return node.data.length > MAX_SHORT ? null : node.data;
    if (!('children' in node)) return '';
    let text: string | null = '';
    for (const child of node.children) {
      const more: string | null = textOf(child);
      text = text === null || more === null || text.length + more.length > MAX_SHORT ? null : text + more;
    }
    if (text !== null && adapter.isElementNode(node)) texts.set(node, text);
    return text;
  };
  if (root !== undefined) textOf(root as Parent);
  return texts;
}
