#!/bin/sh
# Makes the files of this folder anew, but for README.md and this one. Needs espeak-ng, sox with all its formats, lame, ffmpeg, opus-tools
# and vorbis-tools, as Debian 12 has them. Encoders of other versions make other octets of the same sound.
set -eu
cd "$(dirname "$0")"
quiet="-hide_banner -loglevel error -y"
plain="-map_metadata -1 -fflags +bitexact -flags:a +bitexact"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

espeak-ng -v en-gb -s 175 -w "$work/said.wav" "You have a new message."
sox -D -R "$work/said.wav" -b 16 -r 16000 speech.wav
for rate in 8000 22050 44100 48000; do
    sox -D -R "$work/said.wav" -b 16 -r $rate "$work/$rate.wav"
done
sox -D -R "$work/44100.wav" "$work/stereo.wav" remix 1 1

lame --quiet -m m -b 64 --tt "Voice message" --id3v2-utf16 --add-id3v2 "$work/44100.wav" mpeg1-tagged.mp3
lame --quiet -m j -V 6 --resample 22.05 "$work/stereo.wav" mpeg2-vbr-stereo.mp3
lame --quiet -m m -b 8 --resample 8 -t "$work/8000.wav" mpeg25-plain.mp3
ffmpeg $quiet -i "$work/8000.wav" -c:a libmp3lame -b:a 16k $plain mp3-in.wav

ffmpeg $quiet -i speech.wav -c:a aac -b:a 24k $plain adts.aac
ffmpeg $quiet -i "$work/stereo.wav" -c:a aac -b:a 64k $plain stereo.m4a
ffmpeg $quiet -i speech.wav -c:a aac -b:a 24k -movflags frag_keyframe+empty_moov+default_base_moof -frag_duration 300000 $plain fragments.mp4

oggenc -Q -q 1 --serial 1 speech.wav -o vorbis.ogg
oggenc -Q -q 2 --serial 2 "$work/stereo.wav" -o vorbis-stereo.ogg
ffmpeg $quiet -i vorbis.ogg -c copy $plain vorbis.webm

opusenc --quiet --serial 3 --speech --bitrate 8 "$work/8000.wav" silk-narrow.opus
opusenc --quiet --serial 4 --speech --bitrate 16 --framesize 60 speech.wav silk-wide.opus
opusenc --quiet --serial 5 --speech --bitrate 12 --set-ctl-int 4016=1 speech.wav silk-dtx.opus
opusenc --quiet --serial 6 --speech --bitrate 28 "$work/48000.wav" hybrid.opus
opusenc --quiet --serial 7 --music --bitrate 64 "$work/stereo.wav" celt-stereo.opus
opusenc --quiet --serial 8 --music --bitrate 48 --framesize 2.5 "$work/48000.wav" celt-short.opus
ffmpeg $quiet -i silk-wide.opus -c copy $plain opus.webm
ffmpeg $quiet -i hybrid.opus -c copy $plain opus.mp4

sox -D -R "$work/8000.wav" -C 0 mode0.amr-nb
sox -D -R "$work/8000.wav" -C 7 mode7.amr-nb
mv mode0.amr-nb mode0.amr
mv mode7.amr-nb mode7.amr
ffmpeg $quiet -i mode7.amr -c copy $plain amr.3gp
