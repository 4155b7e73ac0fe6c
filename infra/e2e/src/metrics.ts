/** One sample of a metric; `labels` as the page writes them. */
export interface Sample {
  labels: string;
  value: number;
}

/** The samples of a metric with labels on a page of Prometheus' text format. */
export function samplesOf(page: string, name: string): Sample[] {
  return [...page.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))].map(([, labels, value]) => ({
    labels: labels!,
    value: Number(value),
  }));
}

/** A metric that an expression asks for, and the labels that it narrows it down by. */
interface Selector {
  metric: string;
  labels: string[];
}

const KEYWORDS = /^(?:and|or|unless|offset|bool)$/;
/** A name that is no function's, with what stands in braces behind it. A number or a duration begins with a digit. */
const SELECTOR = /(?<![\w.:])([a-z_:][\w:]*)(?![\w:]|\s*\()(?:\{([^}]*)\})?/gi;
const GROUPING =
  /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)|\bgroup_(?:left|right)\b/gi;
/** What an aggregation is called where its grouping comes first; without that nothing tells it from a metric. */
const AGGREGATION = /\b(?:sum|min|max|avg|count)(?=\s+by\b)/gi;

/** What a PromQL expression asks for. Enough of the language for our rules. */
export function selectorsOf(expression: string): Selector[] {
  const rest = expression.replace(AGGREGATION, ' ').replace(GROUPING, ' ');
  return [...rest.matchAll(SELECTOR)]
    .filter(([, metric = '']) => !KEYWORDS.test(metric))
    .map(([, metric = '', braces = '']) => ({
      metric,
      labels: [...braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label!),
    }));
}

/** Labels that an expression groups by, or matches on. */
export function groupedLabels(expression: string): string[] {
  return [...expression.matchAll(GROUPING)].flatMap(([, list = '']) => list.match(/\w+/g) ?? []);
}
