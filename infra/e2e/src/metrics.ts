/** One sample of a metric, with `labels` as served. */
export interface Sample {
  labels: string;
  value: number;
}

/** The samples of a metric on a page in Prometheus' text format. */
export function samplesOf(page: string, name: string): Sample[] {
  return [...page.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm'))].map(([, labels, value]) => ({
    labels: labels!,
    value: Number(value),
  }));
}

/** A metric in an expression, and the labels that select its series. */
interface Selector {
  metric: string;
  labels: string[];
}

const KEYWORDS = /^(?:and|or|unless|offset|bool)$/;
/** A name that is not a function, and the braces after it. Numbers and durations start with a digit. */
const SELECTOR = /(?<![\w.:])([a-z_:][\w:]*)(?![\w:]|\s*\()(?:\{([^}]*)\})?/gi;
const GROUPING =
  /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)|\bgroup_(?:left|right)\b/gi;
/** Aggregations may have their grouping first; this list tells them from metrics. */
const AGGREGATION = /\b(?:sum|min|max|avg|count)(?=\s+by\b)/gi;

/** The metrics of a PromQL expression. Knows enough of the language for our rules. */
export function selectorsOf(expression: string): Selector[] {
  const rest = expression.replace(AGGREGATION, ' ').replace(GROUPING, ' ');
  return [...rest.matchAll(SELECTOR)]
    .filter(([, metric = '']) => !KEYWORDS.test(metric))
    .map(([, metric = '', braces = '']) => ({
      metric,
      labels: [...braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label!),
    }));
}

/** Labels that an expression groups or matches by. */
export function groupedLabels(expression: string): string[] {
  return [...expression.matchAll(GROUPING)].flatMap(([, list = '']) => list.match(/\w+/g) ?? []);
}
