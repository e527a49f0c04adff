declare module 'jstat' {
  interface Normal {
    cdf(x: number, mean: number, deviation: number): number;
    inv(p: number, mean: number, deviation: number): number;
  }
  const jstat: {
    normal: Normal;
    chisquare: { cdf(x: number, degrees: number): number };
    gammaln(x: number): number;
    quantiles(values: number[], shares: number[], alpha: number, beta: number): number[];
    gamma: { inv(p: number, shape: number, scale: number): number };
    beta: { inv(p: number, a: number, b: number): number };
  };
  export default jstat;
}
