package limits

import (
	"reflect"
	"testing"
	"time"
)

type numbers struct {
	Frames int             `limit:"max-frame" text:"bytes of a frame"`
	Rate   float64         `limit:"rate"`
	Idle   time.Duration   `limit:"idle-timeout"`
	Delays []time.Duration `limit:"retry-delays"`
	Other  int
}

var defaults = numbers{Frames: 32768, Rate: 0.5, Idle: 10 * time.Minute, Delays: []time.Duration{time.Minute, 2 * time.Minute}, Other: 1}

func TestSetAndFill(t *testing.T) {
	var n numbers
	for name, value := range map[string]string{"max-frame": "7", "idle-timeout": "2s", "retry-delays": "1ms,2ms"} {
		if ok, err := Set(&n, name, value); !ok || err != nil {
			t.Errorf("Set %s=%s: %v, %v", name, value, ok, err)
		}
	}
	Fill(&n, defaults)
	want := numbers{7, 0.5, 2 * time.Second, []time.Duration{time.Millisecond, 2 * time.Millisecond}, 1}
	if !reflect.DeepEqual(n, want) {
		t.Errorf("got %+v, want %+v", n, want)
	}
}

func TestSetRefuses(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"max-frame", "-1"}, {"max-frame", "x"}, {"rate", "0"}, {"rate", "NaN"}, {"idle-timeout", "2"}, {"idle-timeout", "-2s"}, {"retry-delays", "1s,"},
	} {
		n := defaults
		if ok, err := Set(&n, c.name, c.value); !ok || err == nil || !reflect.DeepEqual(n, defaults) {
			t.Errorf("Set %s=%s: %v, %v", c.name, c.value, ok, err)
		}
	}
	for _, name := range []string{"nope", "", "Other"} {
		var n numbers
		if ok, _ := Set(&n, name, "1"); ok {
			t.Errorf("there is a limit %q", name)
		}
	}
}

func TestList(t *testing.T) {
	got := List(defaults)
	want := []Limit{{"max-frame", "32768", "bytes of a frame"}, {"rate", "0.5", ""}, {"idle-timeout", "10m0s", ""}, {"retry-delays", "1m0s,2m0s", ""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
