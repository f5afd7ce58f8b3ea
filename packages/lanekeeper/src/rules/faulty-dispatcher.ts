import { createCapacity } from "../dispatch/capacity.ts";
import type { Claim, ClaimRequest, Dispatcher } from "../dispatch/dispatcher.ts";

/** How a keeper makes its dispatcher. */
export type CreateDispatcher = typeof createCapacity;

/** A dispatcher whose first release of a claim throws, for one session and so many claims: a bug inside a lane's action. */
export function bugged(bug: { readonly sessionKey: string; times: number }): CreateDispatcher {
  const change = (claim: Claim, { sessionKey }: ClaimRequest): Claim => {
    let hasThrown = false;
    return {
      get isHeld() {
        return claim.isHeld;
      },
      get isBorrowed() {
        return claim.isBorrowed;
      },
      get countsIn() {
        return claim.countsIn;
      },
      get waitsFor() {
        return claim.waitsFor;
      },
      change: (demand) => claim.change(demand),
      lend: (borrower) => claim.lend(borrower),
      release() {
        if (sessionKey === bug.sessionKey && !hasThrown && bug.times > 0) {
          hasThrown = true;
          bug.times--;
          throw new Error("a bug in an action");
        }
        claim.release();
      },
    };
  };
  return (...given) => capacityWith(given, change);
}

/** A dispatcher that takes away the slot that it gave last, when it is told to: another runs the session now. */
export function losing(): { readonly createDispatcher: CreateDispatcher; lose(): void } {
  let lose: () => void = () => {};
  return {
    createDispatcher: (...given) =>
      capacityWith(given, (claim, request) => {
        lose = () => request.lost();
        return claim;
      }),
    lose: () => lose(),
  };
}

/** A capacity whose claims a test may change. */
function capacityWith(
  [slots, now]: Parameters<CreateDispatcher>,
  change: (claim: Claim, request: ClaimRequest) => Claim,
): Dispatcher {
  const capacity = createCapacity(slots, now);
  return {
    claim: (request) => change(capacity.claim(request), request),
    get held() {
      return capacity.held;
    },
    get waiting() {
      return capacity.waiting;
    },
    get turns() {
      return capacity.turns;
    },
    resize: (resized) => capacity.resize(resized),
    hold: () => capacity.hold(),
  };
}
