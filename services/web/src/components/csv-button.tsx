import { useState } from 'preact/hooks';
import { fetchCsv } from '../api.ts';

interface Props {
  apiKey: string;
  /** Parameters of the series. */
  query: string;
  disabled: boolean;
}

/** Saves the series as a file. Fetched and not linked to, since a link carries no key. */
export function CsvButton({ apiKey, query, disabled }: Props) {
  const [state, setState] = useState<'ready' | 'busy' | 'failed'>('ready');
  const download = async () => {
    setState('busy');
    try {
      const { name, content } = await fetchCsv(apiKey, query);
      const link = document.createElement('a');
      link.href = URL.createObjectURL(content);
      link.download = name;
      link.click();
      // The browser has taken hold of the content by the next turn.
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
          The file cannot be had just now. Try again in a moment.
        </p>
      )}
    </>
  );
}
