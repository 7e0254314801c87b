// A machine whose time runs faster than ours, and stands still while its lid is closed.

const epoch = Date.now();
const origin = performance.now();

/**
 * @param {number} speed how many of its milliseconds pass in one of ours
 * @returns a clock as the client takes it, and the lid
 */
export function createMachine(speed) {
  let asleepMs = 0;
  let asleepSince = null;
  const missed = [];
  const wall = () => epoch + (performance.now() - origin) * speed;
  return {
    clock: {
      now: () => (asleepSince ?? wall()) - asleepMs,
      wall,
      after(ms, done) {
        let cancelled = false;
        const fire = () => {
          if (cancelled) return;
          if (asleepSince === null) done();
          else missed.push(fire);
        };
        const timer = setTimeout(fire, Math.max(0, ms) / speed);
        return () => {
          cancelled = true;
          clearTimeout(timer);
        };
      },
    },
    sleep() {
      asleepSince = wall();
    },
    wake() {
      asleepMs += wall() - asleepSince;
      asleepSince = null;
      for (const fire of missed.splice(0)) fire();
    },
  };
}
