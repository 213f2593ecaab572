export * from '../resources/index.js';
export { refresher } from './refresher.js';
