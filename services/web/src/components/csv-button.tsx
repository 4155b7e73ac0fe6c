import { useState } from 'preact/hooks';
import { fetchCsv } from '../api.ts';

interface Props {
  apiKey: string;
  /** Parameters of the series. */
  query: string;
  disabled: boolean;
}

/** Saves the series as a file. It is fetched, since a link cannot send the key. */
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
