package apigateway

import (
	"testing"
	"unsafe"
)

// All that an idle connection takes is a conn, its places in a few tables, and the text of its address.
func TestIdleConnectionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(conn{}); size > 208 {
		t.Errorf("a connection takes %d bytes, want at most 208", size)
	}
}
