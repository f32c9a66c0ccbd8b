package aws

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestListIsReadAsLongAsItIsWorthIt(t *testing.T) {
	for _, c := range []struct {
		name         string
		there, asked int // in pages of ten; names that are asked for
		refused      bool
		pages        int // at most
		told         bool
	}{
		{name: "a few are asked for by name", there: 5, asked: fewOfAType, pages: 0},
		{name: "a small account is listed", there: 35, asked: 30, pages: 4, told: true},
		{name: "a page that is worth it", there: 5, asked: fewOfAType + 1, pages: 1, told: true},
		{name: "ten thousand for twenty", there: 10000, asked: 20, pages: 10},
		{name: "a list that is not allowed", there: 5, asked: 20, refused: true, pages: 1},
	} {
		var s stock[int]
		read := 0
		list := func() pages[int] {
			return func(_ context.Context, add func(string, int)) (bool, error) {
				first := read * 10
				if read++; c.refused {
					return false, errors.New("no")
				}
				for i := first; i < min(first+10, c.there); i++ {
					add(fmt.Sprint("there-", i), i)
				}
				return first+10 < c.there, nil
			}
		}
		for range c.asked {
			if x, told := s.get(t.Context(), c.asked, "absent", list); told != c.told || x != nil {
				t.Errorf("%s: what is not there is told %v, %v; want %v", c.name, told, x, c.told)
			}
		}
		if x, told := s.get(t.Context(), c.asked, "there-3", list); c.pages > 0 && !c.refused && (!told || *x != 3) {
			t.Errorf("%s: what was on a page is not told", c.name)
		}
		if read > c.pages {
			t.Errorf("%s: read %d pages, want at most %d", c.name, read, c.pages)
		}
	}
}
