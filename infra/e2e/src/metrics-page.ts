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
