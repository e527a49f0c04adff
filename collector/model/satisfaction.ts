/** Net promoter score, and the flywheel of those who bring others. */

/** 100 × (promoters, 9–10, minus detractors, 0–6) / answers; null without an answer. */
export function netPromoterScore(scores: number[]): number | null {
  const promoters = scores.filter((score) => score >= 9).length;
  const detractors = scores.filter((score) => score <= 6).length;
  return npsOf({ promoters, detractors, passives: scores.length - promoters - detractors });
}

export function npsOf({ promoters, passives, detractors }: Record<'promoters' | 'passives' | 'detractors', number>) {
  const answers = promoters + passives + detractors;
  return answers ? (100 * (promoters - detractors)) / answers : null;
}

/** Users whom each brings (K), and how many there are in the end for each who came by themselves; without end from K = 1. */
export function flywheel(invites: number, acceptance: number): { k: number; amplification: number } {
  const k = invites * acceptance;
  return { k, amplification: k < 1 ? 1 / (1 - k) : Infinity };
}
