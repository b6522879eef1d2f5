package inspect

import (
	"time"
)

const (
	// compactEvery is how often the server looks for segments to be joined.
	compactEvery = time.Minute
	// joinAfter is how long fresh segments wait at most, and joinResults how many results are joined at
	// once, so many being joined at once they come.
	joinAfter   = 15 * time.Minute
	joinResults = 64 << 10
	// dayRests is how long after its end a day's segments are joined for good.
	dayRests = 30 * time.Minute
)

// joinable picks the segments of a level that are to be joined next and the level of what becomes of them.
// The list is in the order of day and id. None means that all may wait.
func joinable(list []*storedSegment, level int, now time.Time) (batch []*storedSegment, into int) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Day == list[0].Day {
			n++
		}
		day := list[:n]
		list = list[n:]
		var sum int64
		for len(batch) < len(day) && (len(batch) == 0 || sum+day[len(batch)].Results <= joinResults) {
			sum += day[len(batch)].Results
			batch = day[:len(batch)+1]
		}
		switch over := !now.Before(dayStart(day[0].Day + 1).Add(dayRests)); {
		case len(batch) < len(day): // as many as are joined at once
			return batch, levelFull
		case level == levelFresh && (over || !now.Before(day[0].CreatedAt.Add(joinAfter))):
			return batch, levelJoined
		case level == levelJoined && over:
			return batch, levelFull
		}
		batch = nil
	}
	return nil, 0
}
