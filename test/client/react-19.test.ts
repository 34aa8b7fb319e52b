import '../fixtures/use-react-19.ts'

await import('../fixtures/react-suite.ts')
