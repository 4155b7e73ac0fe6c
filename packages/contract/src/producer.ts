export * from './producer/call-event-producer.ts';
export {
  createEventWriter,
  type EventMessage,
  type EventWriter,
  type EventWriterOptions,
} from './producer/event-writer.ts';
