export { busSuite, type TestBroker } from './bus.ts'
export { chaosBus, type ChaosOptions } from './chaos-bus.ts'
export { memoryBus } from './memory-bus.ts'
export type { DefineTest } from './test.ts'
