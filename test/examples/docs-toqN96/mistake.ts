export const mistake: number = "found";
