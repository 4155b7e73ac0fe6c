import type { Page } from 'playwright-core';

/** Bytes that came over the network for a page, as they were sent: compressed, with their headers. */
export class Transfer {
  readonly #bytes = new Map<string, number>();

  static async of(page: Page): Promise<Transfer> {
    const transfer = new Transfer();
    const session = await page.context().newCDPSession(page);
    const add = (id: string, bytes: number) =>
      transfer.#bytes.set(id, (transfer.#bytes.get(id) ?? 0) + bytes);
    session.on('Network.responseReceived', ({ requestId, response }) =>
      add(requestId, response.encodedDataLength),
    );
    // A stream never finishes, so pieces are added up as they come.
    session.on('Network.dataReceived', ({ requestId, encodedDataLength }) =>
      add(requestId, encodedDataLength),
    );
    // The whole of one that has finished, headers and all.
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) =>
      transfer.#bytes.set(requestId, encodedDataLength),
    );
    await session.send('Network.enable');
    return transfer;
  }

  get bytes(): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }
}
