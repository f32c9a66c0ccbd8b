// Package measure is the form in which one measurement travels: from the load generator, as a line of JSON, to the
// program that makes the tables. It also knows what the kernel says of a process and of those that it started.
package measure

// Result is what one run of one server under one workload measured. What does not apply to a workload is left out.
type Result struct {
	Server   string `json:"server"`
	Workload string `json:"workload"` // as on the command line: fanout:10000:1
	Rep      int    `json:"rep"`
	Error    string `json:"error,omitempty"` // nothing was measured, and why

	Sockets int     `json:"sockets,omitempty"`
	Count   int     `json:"count,omitempty"`   // deliveries or requests
	Missing int     `json:"missing,omitempty"` // expected and not delivered
	Twice   int     `json:"twice,omitempty"`   // delivered once more, or older than what had come before
	Lost    int     `json:"lost,omitempty"`    // connections that the server closed
	Seconds float64 `json:"seconds,omitempty"` // of the measured part

	Rate      float64 `json:"rate,omitempty"`      // publishes a second that were asked for
	Delivered int     `json:"delivered,omitempty"` // copies that were sent, where the server may leave out some
	PerSecond float64 `json:"perSecond,omitempty"`
	P50       float64 `json:"p50,omitempty"`  // microseconds
	P99       float64 `json:"p99,omitempty"`  // microseconds
	Last      float64 `json:"last,omitempty"` // microseconds until a publish has reached everybody; the median of the publishes

	ServerCPU float64 `json:"serverCPU,omitempty"` // seconds, of the measured part
	ServerUs  float64 `json:"serverUs,omitempty"`  // microseconds of server CPU each
	LoadUs    float64 `json:"loadUs,omitempty"`    // microseconds of the load generator's CPU each, less empty polls

	Environments int `json:"environments,omitempty"` // of the function, at the end

	RSS  float64 `json:"rss,omitempty"`  // bytes of the server's resident memory for an idle connection
	Slab float64 `json:"slab,omitempty"` // bytes of the kernel's memory for it, both ends together

	Storm *Storm `json:"storm,omitempty"`
	Slow  *Slow  `json:"slow,omitempty"`
	Cold  *Cold  `json:"cold,omitempty"`
}

// Cold is what the first invocation of an environment takes, in milliseconds.
type Cold struct {
	Cold float64 // an invocation that has to make an environment first
	Warm float64 // one that has not
	Bare float64 // the same program, started without a cloud
	Over float64 // what the cloud adds to that
}

// Storm is what happened when all clients came at once, and when they left at once.
type Storm struct {
	Opened, Refused     int
	OpenSeconds         float64 // until the last handshake was answered
	OpenUs, CloseUs     float64 // microseconds of server CPU for a connection
	CloseSeconds        float64 // until the server had closed its side of all
	PeakRSS             float64 // bytes of the server's resident memory for a connection, at the end of the first part
	HandshakeP50, P99   float64 // microseconds
	StillOpen, Failures int
}

// Slow is what happened when some of the clients stopped reading.
type Slow struct {
	Slow               int
	BeforeP50          float64 // microseconds, of the others before any stopped
	BeforeP99          float64
	DuringP50          float64 // while they did not read
	DuringP99          float64
	BeforeUs, DuringUs float64 // server CPU for a delivery to one of the others
	GrewPerSlow        float64 // bytes of resident memory of the server for each that did not read
	Newest             int     // had the newest price once they read again
	Closed             int     // were closed by the server instead
	Code               int     // with this code; 0 for none
	Got                float64 // prices that each of the rest got once it read again, of Offered
	Offered            int
	MissedByOthers     int // deliveries that did not reach those who read
}
