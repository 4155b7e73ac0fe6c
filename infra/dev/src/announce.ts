import type { StackDescription } from './stack-file.ts';

/**
 * What a newcomer needs to go on: the page, and a request that works as pasted. The demo's key stands behind a `#`, so
 * that the page gets it and no server or log does.
 */
export function announcement({ api, demo }: Pick<StackDescription, 'api' | 'demo'>): string[] {
  const dashboard = `${api}/analytics/dashboard`;
  const how =
    demo === null
      ? [
          '  Make a key:    npx calltally keys create --user me',
          `  Then:          curl -s -H 'Authorization: Bearer KEY' ${dashboard}`,
        ]
      : [
          `  Demo key:      ${demo.api_key}   (user ${demo.user_id})`,
          '',
          `  curl -s -H 'Authorization: Bearer ${demo.api_key}' ${dashboard}`,
        ];
  return [
    '',
    'calltally is running.',
    '',
    `  Dashboard:     ${api}/${demo === null ? '' : `#demo=${demo.api_key}`}`,
    `  API:           ${api}`,
    `  Documentation: ${api}/docs`,
    ...how,
    '',
    '  Addresses are in .calltally/stack.json, logs in .calltally/logs. Ctrl-C ends everything.',
    '',
  ];
}
