package cloud

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"quotewire/atomicfile"
)

// Endpoints is what DIR/endpoints.json holds: where everything is, in addresses that any client on this machine
// reaches as they stand.
type Endpoints struct {
	Cloud  string            `json:"cloud"`
	Region string            `json:"region"`
	Web    string            `json:"web,omitempty"`
	CA     string            `json:"ca"`
	APIs   map[string]string `json:"apis,omitempty"` // API name → client URL of its stage
}

// endpoints keeps DIR/endpoints.json in step with the APIs.
type endpoints struct {
	mu   sync.Mutex // protects what follows and the file
	file string     // "" until it is written for the first time, and after it was removed
	web  string
}

// WriteEndpoints writes DIR/endpoints.json and keeps it up to date until Close removes it: an API is listed as soon as
// it has a stage. web is the address of the page, or "".
func (c *Cloud) WriteEndpoints(web string) error {
	e := &c.endpoints
	e.mu.Lock()
	e.file, e.web = filepath.Join(c.config.Dir, "endpoints.json"), web
	e.mu.Unlock()
	c.gateway.OnChange(func() {
		if err := c.rewriteEndpoints(); err != nil {
			c.config.Log.Error("endpoints.json is out of date", "err", err)
		}
	})
	return c.rewriteEndpoints()
}

func (c *Cloud) rewriteEndpoints() error {
	e := &c.endpoints
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == "" {
		return nil
	}
	text, err := json.MarshalIndent(Endpoints{Cloud: c.URL(), Region: c.Region(), Web: e.web, CA: c.CA(), APIs: c.gateway.Endpoints()}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(e.file, append(text, '\n'), 0o644)
}

func (e *endpoints) remove() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file != "" {
		os.Remove(e.file)
		e.file = ""
	}
}

// ReadEndpoints reads what a running cloud wrote into its state folder.
func ReadEndpoints(dir string) (Endpoints, error) {
	var e Endpoints
	text, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// APIs lists the client URL of each API that has a stage, by its name.
func (c *Cloud) APIs() map[string]string { return c.gateway.Endpoints() }
