/** Now, to the minute: groups and times of the list move on when the day does. */
class Clock {
  now = $state(new Date());

  start(): () => void {
    const timer = setInterval(() => (this.now = new Date()), 60_000);
    return () => clearInterval(timer);
  }
}

export const wall = new Clock();
