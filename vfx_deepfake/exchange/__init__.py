"""Out of the house and back: timelines, submission lists, notes on paper, and the studio's tracker."""
