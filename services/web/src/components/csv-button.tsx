import type { Client, CsvQuery } from '@calltally/client';
import { useState } from 'preact/hooks';
import { csvFormatOf } from '../csv-format.ts';

interface Props {
  client: Client;
  /** Parameters of the series. */
  query: CsvQuery;
  disabled: boolean;
}

/** Saves the series as a file. It is fetched, since a link cannot send the key. */
export function CsvButton({ client, query, disabled }: Props) {
  const [state, setState] = useState<'ready' | 'busy' | 'failed'>('ready');
  const download = async () => {
    setState('busy');
    try {
      const { data, fileName } = await client.timeseriesCsv({ ...query, ...csvFormatOf() });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([data], { type: 'text/csv' }));
      link.download = fileName ?? 'calltally.csv';
      link.click();
      // By the next turn the browser holds the content.
      setTimeout(() => URL.revokeObjectURL(link.href));
      setState('ready');
    } catch {
      setState('failed');
    }
  };
  return (
    <>
      <button type="button" disabled={disabled || state === 'busy'} onClick={() => void download()}>
        Download CSV
      </button>
      {state === 'failed' && (
        <p class="fault" role="alert">
          The file cannot be downloaded just now. Try again in a moment.
        </p>
      )}
    </>
  );
}
