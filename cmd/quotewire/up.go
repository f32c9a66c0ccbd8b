package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	dynamodbsdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"quotewire/cloud"
	"quotewire/deploy"
	"quotewire/deploy/aws"
	"quotewire/deploy/view"
	"quotewire/dply"
	"quotewire/feed"
	"quotewire/quotes/dynamodb"
	"quotewire/quotes/sample"
	"quotewire/sdkbody"
	"quotewire/web"
)

// The APIs of the script that up itself uses: the page opens the one, the feed and quotewire publish post to the other.
const (
	watchAPI   = "stock-watch"
	publishAPI = "stock-publish"
)

var upVerb = verb{
	name:  "up",
	args:  "[SCRIPT]",
	short: "start the embedded cloud, deploy, and show live prices on a page",
	long: `
Starts the embedded cloud, builds the functions of SCRIPT (default infrastructure.dply), deploys it there, starts the
page and a feed of prices, prints where everything is, and serves until it is interrupted. What was there before, it
finds again.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		u := up{cloud: cloudFlags(flags), script: scriptFlags(flags)}
		flags.StringVar(&u.web, "web", "127.0.0.1:8080", "serve the page on this `HOST:PORT`; port 0 picks a free one")
		flags.StringVar(&u.feed, "feed", "replay", "publish `PRICES`: replay (recorded ones), walk (made up), none")
		flags.Float64Var(&u.speed, "speed", 2, "steps of the feed a second, `N`")
		flags.Uint64Var(&u.seed, "seed", 1, "the seed of --feed walk, `N`")
		flags.StringVar(&u.sample, "sample", "first", "load the sample tickers and users: `WHEN` is first (into empty tables) or none")
		return func(ctx context.Context, args []string) error {
			path := "infrastructure.dply"
			if len(args) > 1 {
				return usagef("quotewire up takes one script, got %d", len(args))
			} else if len(args) == 1 {
				path = args[0]
			}
			switch {
			case u.feed != "replay" && u.feed != "walk" && u.feed != "none":
				return usagef("--feed is replay, walk or none, not %q", u.feed)
			case u.sample != "first" && u.sample != "none":
				return usagef("--sample is first or none, not %q", u.sample)
			case !(u.speed > 0 && u.speed <= 1000):
				return usagef("--speed is a number of steps a second, above 0 and at most 1000")
			}
			return u.run(ctx, path)
		}
	},
}

// up is a run of the verb.
type up struct {
	cloud  *cloudOptions
	script *scriptOptions
	web    string
	feed   string
	speed  float64
	seed   uint64
	sample string
}

func (u *up) run(ctx context.Context, path string) (err error) {
	// Everything that can be wrong without a cloud is found before one is started.
	program, err := u.script.load(path, dply.Region(u.cloud.region), dply.Account(func() string { return cloud.Account }))
	if err != nil {
		return err
	}
	page, err := net.Listen("tcp", u.web)
	if err != nil {
		return cloud.ListenError("--web", u.web, err)
	}
	defer page.Close()
	running, err := u.cloud.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()

	root := running.Root()
	cfg := sdk.Config{
		Region:       running.Region(),
		BaseEndpoint: sdk.String(running.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
		APIOptions:   []func(*middleware.Stack) error{sdkbody.Plain},
	}
	_, err = deploy.Run(ctx, program, deploy.Options{
		Targets: u.script.targets, Provider: aws.NewProvider(cfg), CacheDir: filepath.Join(u.cloud.dir, "build"), Local: true,
		View: view.NewText(os.Stdout, moves(os.Stdout), coloured(os.Stdout)),
	})
	apis := running.APIs()
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if apis[watchAPI] == "" || apis[publishAPI] == "" {
			return refused(err)
		}
		// What an earlier run deployed is still there: whoever broke a function by an edit keeps the page.
		fail(refused(err))
		fmt.Fprintln(os.Stderr, "quotewire: going on with what was deployed before")
	}
	if apis[watchAPI] == "" || apis[publishAPI] == "" {
		return fmt.Errorf("%s makes no APIs %s and %s, which the page and the feed use; quotewire cloud and quotewire deploy run any script", path, watchAPI, publishAPI)
	}
	if u.sample == "first" {
		store := dynamodb.New(dynamodbsdk.NewFromConfig(cfg), dynamodb.TablesFrom(func(string) string { return "" }))
		if _, err := sample.Load(ctx, store); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return u.serve(ctx, running, page, apis)
}

// serve serves the page and publishes the feed until ctx ends.
func (u *up) serve(ctx context.Context, running *cloud.Cloud, page net.Listener, apis map[string]string) error {
	handler, err := web.Handler(web.Config{Watch: apis[watchAPI]})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	running.ServePage(page, handler)
	if err := u.startFeed(ctx, &background, apis[publishAPI]); err != nil {
		return err
	}
	address := "http://" + page.Addr().String()
	if tcp := page.Addr().(*net.TCPAddr); tcp.IP.IsUnspecified() {
		address = fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	if err := running.WriteEndpoints(address); err != nil {
		return err
	}
	fmt.Printf("\nThe page is at %s\n\n  prices go to  %s\n  sockets go to %s\n\nAWS tools reach the cloud with\n\n%s\nCtrl-C stops everything.\n",
		address, apis[publishAPI], apis[watchAPI], shellSettings(running.URL(), running.Region(), running.Root()))
	<-ctx.Done()
	return nil
}

func (u *up) startFeed(ctx context.Context, background *sync.WaitGroup, url string) error {
	var source feed.Source
	var err error
	switch u.feed {
	case "none":
		return nil
	case "replay":
		source, err = feed.NewReplay()
	case "walk":
		const perStep = 20 // tickers that move at each step
		source, err = feed.NewWalk(u.seed, sample.Prices(), perStep)
	}
	if err != nil {
		return fmt.Errorf("feed %s: %w", u.feed, err)
	}
	logger := u.cloud.logger()
	background.Go(func() {
		interval := time.Duration(float64(time.Second) / u.speed)
		if err := feed.Run(ctx, source, feed.NewPublisher(url, nil), interval, logger); err != nil {
			logger.Error("the feed has ended", "feed", u.feed, "err", strings.TrimSpace(err.Error()))
		}
	})
	return nil
}
