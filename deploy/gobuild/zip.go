package gobuild

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"time"
)

// epoch is the time of every entry: the first that the zip format can say.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// archiveOf returns a zip with one executable file, bootstrap, that depends on nothing but its bytes. Lambda unpacks it on
// Linux, so the mode must be a Unix one, made by Unix, with the executable bits.
func archiveOf(code []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	// The fastest level: a smaller archive would save less time on the way than it costs here.
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestSpeed)
	})
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	// The MS-DOS fields alone: setting Modified would add an extra field with the time zone's idea of it.
	h.ModifiedDate, h.ModifiedTime = uint16(epoch.Year()-1980)<<9|uint16(epoch.Month())<<5|uint16(epoch.Day()), 0
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(code); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
