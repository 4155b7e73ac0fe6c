import Type from 'typebox';
import { errorBody, SharedErrors } from './error-responses.ts';

export const HookParameters = Type.Object({
  provider: Type.String({ description: 'the platform, as `calltally hooks create --provider` names it' }),
  hook: Type.String({ description: '`hook_…`, from `calltally hooks create`' }),
});

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const HookSchema = {
  operationId: 'receiveWebhook',
  summary: 'Receive a webhook of a voice platform',
  description:
    'For platforms, which authenticate by a signature over the body or by a secret (docs/hooks.md). Answered once all in-sync ' +
    'replicas of Kafka have the call. A repetition is not counted again.',
  tags: ['hooks'],
  params: HookParameters,
  body: {
    content: { '*/*': { schema: { description: 'What the platform sends: JSON, or a form from Twilio.' } } },
  },
  response: {
    200: Type.Object(
      {
        success: Type.Literal(true),
        message: Type.String(),
        data: Type.Object({
          accepted: count('calls that are stored and will be counted'),
          dead_letters: count(
            'payloads that could not be read; an operator finds them with `calltally dlq list`',
          ),
        }),
      },
      { description: 'What the webhook tells is stored. Also no call, for platforms that take no 204.' },
    ),
    204: Type.Null({ description: 'The payload means no call, or one that another webhook tells.' }),
    401: errorBody('The signature or secret is missing, wrong or too old.', 401),
    404: errorBody('There is no such hook.', 404),
    415: errorBody('The body is of an encoding that is not read.', 400),
    ...SharedErrors,
  },
};
