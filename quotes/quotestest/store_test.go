package quotestest_test

import (
	"testing"

	"quotewire/quotes/quotestest"
)

func TestStoreInMemory(t *testing.T) { quotestest.TestStore(t, quotestest.NewStore()) }
