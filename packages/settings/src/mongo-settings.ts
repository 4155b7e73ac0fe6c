import Type from 'typebox';
import { databaseOf, isMongoUri } from './addresses.ts';
import { fragment } from './fragment.ts';

const defaultDatabase = 'calltally';

/** Section `mongo`: where the calls are kept. */
export const MongoSettings = fragment(
  'mongo',
  Type.Object({
    MONGODB_URI: Type.Refine(
      Type.String({
        default: `mongodb://127.0.0.1:27017/${defaultDatabase}`,
        description: `servers, options and database; \`${defaultDatabase}\` where the URI names none`,
        remedy: 'a mongodb:// or mongodb+srv:// URI, with user and password percent-encoded',
      }),
      isMongoUri,
    ),
  }),
  // A client's own fallback for a URI without a database is `test`, where nobody would look for calls.
  ({ MONGODB_URI }) => ({ uri: MONGODB_URI, database: databaseOf(MONGODB_URI) ?? defaultDatabase }),
);
