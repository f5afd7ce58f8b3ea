/** The exit codes of `lanekeeper`. */
export const exitCodes = { fine: 0, violations: 1, badInput: 2, interrupted: 130 } as const;
