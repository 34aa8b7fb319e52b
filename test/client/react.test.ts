import '../fixtures/react-suite.ts'
