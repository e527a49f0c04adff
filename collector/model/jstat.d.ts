declare module 'jstat' {
  interface Normal {
    cdf(x: number, mean: number, deviation: number): number;
    inv(p: number, mean: number, deviation: number): number;
  }
  const jstat: {
    normal: Normal;
    chisquare: { cdf(x: number, degrees: number): number };
    gammaln(x: number): number;
  };
  export default jstat;
}
