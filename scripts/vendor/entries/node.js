// What the stream library takes for granted because Node has it.
export { Buffer } from 'buffer';
export { default as process } from 'process/browser';
