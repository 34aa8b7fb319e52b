/** WebSocket close codes. docs/troubleshooting.md documents how clients react. */
export const closeCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
  unauthorized: 4401,
  documentNotFound: 4404,
  documentError: 4500
} as const
